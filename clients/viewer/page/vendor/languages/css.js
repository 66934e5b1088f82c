import{c as o}from"../shared-ASV3UDQV.js";import"../shared-VS3LFQ2I.js";import"../shared-SHMUWWUZ.js";var t=()=>o();export{t as default};
