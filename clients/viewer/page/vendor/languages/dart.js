import{g as e}from"../shared-BVOG6GH3.js";import{Ea as r}from"../shared-SHMUWWUZ.js";var m=()=>r.define(e);export{m as default};
