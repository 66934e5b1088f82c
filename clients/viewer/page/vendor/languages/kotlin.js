import{f as o}from"../shared-BVOG6GH3.js";import{Ea as e}from"../shared-SHMUWWUZ.js";var m=()=>e.define(o);export{m as default};
