import{d as e}from"../shared-BVOG6GH3.js";import{Ea as r}from"../shared-SHMUWWUZ.js";var o=()=>r.define(e);export{o as default};
